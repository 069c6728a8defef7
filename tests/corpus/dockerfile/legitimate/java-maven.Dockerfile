FROM maven:3.9-eclipse-temurin-21 AS build
WORKDIR /build
COPY pom.xml .
RUN mvn -B dependency:go-offline
COPY src src
RUN mvn -B -DskipTests package
FROM eclipse-temurin:21-jre
ARG JAR_FILE=/build/target/*.jar
COPY --from=build ${JAR_FILE} /app.jar
ENTRYPOINT ["java","-jar","/app.jar"]
